-- Application (Argo CD 3.6): what an Application of Applications needs for its waves. Healthy means that the
-- newest definition is synced and healthy, not that an older one was.
local function failing(name)
  return name == "ComparisonError" or name == "InvalidSpecError" or name == "SyncError"
end

local function text(status)
  return status.health ~= nil and status.health.message or nil
end

local status = obj.status
if status == nil or status.sync == nil or status.health == nil then
  return { status = "Progressing", message = "Waiting for the first comparison" }
end

local compared = status.sync.comparedTo
local source = obj.spec.source
if compared ~= nil and compared.source ~= nil and source ~= nil then
  local old = compared.source
  if old.repoURL ~= source.repoURL or old.path ~= source.path
      or old.targetRevision ~= source.targetRevision then
    return { status = "Progressing", message = "Waiting for a comparison with the new source" }
  end
end

for _, found in ipairs(status.conditions or {}) do
  if failing(found.type) then
    return { status = "Degraded", message = found.message }
  end
end

local operation = status.operationState
if operation ~= nil and status.sync.status ~= "Synced"
    and (operation.phase == "Failed" or operation.phase == "Error") then
  return { status = "Degraded", message = operation.message }
end

local health = status.health.status
if health == "Degraded" or health == "Suspended" then
  return { status = health, message = text(status) }
end
if operation ~= nil and operation.phase == "Running" then
  return { status = "Progressing", message = operation.message }
end
if health == "Healthy" and status.sync.status == "Synced" then
  return { status = "Healthy", message = text(status) }
end
return { status = "Progressing", message = "Health " .. (health or "unknown") .. ", "
  .. (status.sync.status or "not compared") }
