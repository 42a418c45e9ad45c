-- DynamoGraphDeployment (Dynamo 1.6, v1beta1): the operator sums its components up in `state` and `Ready`.

local status = obj.status
if status == nil or status.state == nil then
  return { status = "Progressing", message = "Waiting for the first report of the operator" }
end

local ready = nil
for _, found in ipairs(status.conditions or {}) do
  if found.type == "Ready" then
    ready = found
  end
end
local seen = status.observedGeneration
if seen == nil and ready ~= nil then
  seen = ready.observedGeneration
end
if seen == nil or seen ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to see the newest change" }
end

local message = status.state
if ready ~= nil and ready.message ~= nil and ready.message ~= "" then
  message = message .. ": " .. ready.message
end
if status.state == "failed" then
  return { status = "Degraded", message = message }
end
if status.state == "successful" and ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = message }
end

local deadline = progress_deadline()
if ready ~= nil and ready.status ~= "True" and ready.lastTransitionTime ~= nil
    and older_than(ready.lastTransitionTime, deadline) then
  return { status = "Degraded", message = message .. " after more than " .. deadline .. " s" }
end
return { status = "Progressing", message = message }
