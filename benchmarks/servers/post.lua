-- wrk's requests: POST with JSON, every one with another seed unless FIXED is set; at the end one line of figures.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local fixed = os.getenv("FIXED") ~= nil
local length = os.getenv("LENGTH") or "100"
local model = os.getenv("MODEL") or "shakespeare"
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  math.randomseed(os.time() * 1000 + number)
end

function request()
  local seed = fixed and 1 or math.random(1, 2000000000)
  local body = string.format(
    '{"model": "%s", "prompt": "ROMEO:", "length": %s, "temperature": 0.8, "seed": %d}', model, length, seed)
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("FIGURES %d %.6f %.3f %.3f %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
