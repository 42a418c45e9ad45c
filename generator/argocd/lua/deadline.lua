-- A progress deadline for a kind that has none of its own: seconds, from an annotation of the object.
local os = require("os")

local function progress_deadline()
  local annotations = obj.metadata.annotations or {}
  return tonumber(annotations["modelyard.dev/progress-deadline-seconds"]) or 3600
end

local function older_than(stamp, seconds)
  -- stamps are UTC and compare as text; os.date knows UTC only for the present moment
  local utc_ahead = os.time(os.date("!*t")) - os.time(os.date("*t"))
  return stamp < os.date("%Y-%m-%dT%H:%M:%SZ", os.time() + utc_ahead - seconds)
end
