-- LeaderWorkerSet (lws 0.9.0): groups of a leader and its workers, ready together.

local function condition(name)
  for _, found in ipairs(obj.status.conditions) do
    if found.type == name and found.status == "True" then
      return found
    end
  end
  return nil
end

if obj.status == nil or obj.status.conditions == nil then
  return { status = "Progressing", message = "Waiting for the first report of the controller" }
end

local available = condition("Available")
local progressing = condition("Progressing")
local seen = obj.status.observedGeneration
if seen == nil and available ~= nil then
  seen = available.observedGeneration
end
if seen == nil or seen ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the controller to see the newest change" }
end

local wanted = obj.spec.replicas or 1
local ready = obj.status.readyReplicas or 0
local count = ready .. " of " .. wanted .. " groups are ready"
if available ~= nil and progressing == nil then
  return { status = "Healthy", message = count }
end

local deadline = progress_deadline()
if condition("UpdateInProgress") ~= nil and wanted > 1 then
  -- groups are replaced one after the other, and the stamp is that of the first
  deadline = deadline * wanted
end
if progressing ~= nil and progressing.lastTransitionTime ~= nil
    and older_than(progressing.lastTransitionTime, deadline) then
  return { status = "Degraded", message = count .. " after more than " .. deadline .. " s" }
end
return { status = "Progressing", message = count }
