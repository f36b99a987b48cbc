-- wrk's script: calls that differ in token and data version, as bench/series.py describes; the result is one line of JSON.
local kind = os.getenv("BENCH_SERIES")
local head = os.getenv("BENCH_HEAD")
local versions, subjects = tonumber(os.getenv("BENCH_VERSIONS")), tonumber(os.getenv("BENCH_SUBJECTS"))
local next_token = tonumber(os.getenv("BENCH_START"))
local tokens, uses = {}, {}
local tail

function init(args)
  local file = io.open(os.getenv("BENCH_BODY"), "rb") -- a file: an environment variable ends at 128 KiB
  local body = file:read("*a")
  file:close()
  tail = "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  for line in io.lines(os.getenv("BENCH_TOKENS")) do tokens[#tokens + 1] = line end
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
end

local function call(token, version)
  return head .. "X-Data-Version: loans-" .. version % versions .. "\r\nX-Consent-Token: " .. tokens[token + 1] .. tail
end

local choose = {}

-- Each of the tokens that come back once, in their order.
function choose.first()
  local token = next_token % subjects
  next_token = next_token + 1
  return call(token, token)
end

-- The first tokens are those that come back in the other series.
function choose.new()
  local token = subjects + next_token % (#tokens - subjects)
  next_token = next_token + 1
  return call(token, token)
end

-- A token comes back, each time with another data version: the same input only after all versions were used.
function choose.returning()
  local token = math.random(0, subjects - 1)
  local use = uses[token] or next_token
  uses[token] = use + 1
  return call(token, token + use)
end

function choose.repeating()
  local token = math.random(0, subjects - 1)
  return call(token, token)
end

request = choose[kind]

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
