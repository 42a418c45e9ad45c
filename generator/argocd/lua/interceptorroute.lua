-- InterceptorRoute (KEDA HTTP add-on 0.15, v1beta1): the interceptor reads the object itself. The add-on's
-- operator only writes Ready; where it does not run, a route is as good as it will ever be.
local conditions = obj.status ~= nil and obj.status.conditions or nil
if conditions == nil or #conditions == 0 then
  return { status = "Healthy", message = "No operator reports on routes here" }
end

for _, found in ipairs(conditions) do
  if found.type == "Ready" then
    if found.observedGeneration ~= nil and found.observedGeneration ~= obj.metadata.generation then
      return { status = "Progressing", message = "Waiting for the operator to see the newest change" }
    elseif found.status == "True" then
      return { status = "Healthy", message = found.message }
    elseif found.status == "False" then
      return { status = "Degraded", message = found.message or found.reason }
    end
  end
end
return { status = "Progressing", message = "Waiting for the operator to decide" }
