-- InferencePool (Inference Extension 1.6.0, v1): each gateway that routes to it reports as a parent.
-- Without a parent no route names the pool yet.
local parents = obj.status ~= nil and obj.status.parents or nil
if parents == nil or #parents == 0 then
  return { status = "Progressing", message = "Waiting for a gateway to report on the pool" }
end

local waiting = nil
for _, parent in ipairs(parents) do
  local name = parent.parentRef ~= nil and parent.parentRef.name or "?"
  local accepted = false
  for _, found in ipairs(parent.conditions or {}) do
    local current = found.observedGeneration == nil or found.observedGeneration == obj.metadata.generation
    if not current then
      waiting = "Waiting for " .. name .. " to see the newest change"
    elseif found.type == "Accepted" or found.type == "ResolvedRefs" then
      -- "Exported" may be False for good reasons and says nothing about this cluster
      if found.status == "False" then
        return { status = "Degraded", message = name .. ": " .. (found.message or found.reason or found.type) }
      elseif found.status ~= "True" then
        waiting = name .. ": " .. found.type .. " is not decided"
      elseif found.type == "Accepted" then
        accepted = true
      end
    end
  end
  if not accepted and waiting == nil then
    waiting = "Waiting for " .. name .. " to accept the pool"
  end
end
if waiting ~= nil then
  return { status = "Progressing", message = waiting }
end
return { status = "Healthy", message = "Accepted by every gateway that routes to it" }
