-- What became of a call: gives its places back and tells its circuits. KEYS: the circuits in the order of
-- `settled.circuits`, then slots and buckets. Times in milliseconds, by Redis' own clock.
--
-- Returns, for each circuit, 0: as it was, -1: closed now, else for how long it opened.
local settled = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local SLOT = 10000

-- Counts a call in the window; returns all calls and failures in it.
local function count(name, circuit, failed)
  local newest = math.floor(now / SLOT)
  local oldest = newest - circuit.window / SLOT
  local calls, failures, stale = 0, 0, {}
  redis.call('HINCRBY', name, 'n' .. newest, 1)
  if failed then redis.call('HINCRBY', name, 'f' .. newest, 1) end
  local fields = redis.call('HGETALL', name)
  for at = 1, #fields, 2 do
    local kind, slot = string.match(fields[at], '^([nf])(%d+)$')
    if slot then
      if tonumber(slot) <= oldest then stale[#stale + 1] = fields[at]
      elseif kind == 'n' then calls = calls + tonumber(fields[at + 1])
      else failures = failures + tonumber(fields[at + 1]) end
    end
  end
  if #stale > 0 then redis.call('HDEL', name, unpack(stale)) end
  return calls, failures
end

local function open(name, cooldown)
  redis.call('DEL', name)
  redis.call('HSET', name, 'cooldown', cooldown, 'until', now + cooldown, 'kind', settled.kind)
  return cooldown
end

local function settle(name, circuit)
  local found = redis.call('HMGET', name, 'cooldown', 'probe')
  local cooldown = tonumber(found[1] or 0)
  local is_probe = found[2] == settled.token
  if circuit.verdict == 'success' then
    if cooldown > 0 then
      if not (is_probe or settled.forced) then return 0 end
      redis.call('DEL', name)
      return -1
    end
    if circuit.window > 0 then
      redis.call('HSET', name, 'row', 0)
      count(name, circuit, false)
    end
  elseif circuit.verdict == 'failure' then
    if cooldown > 0 then
      return is_probe and open(name, math.min(cooldown * 2, circuit.max_cooldown)) or 0
    end
    local row = redis.call('HINCRBY', name, 'row', 1)
    if row >= circuit.row then return open(name, circuit.cooldown) end
    local calls, failures = count(name, circuit, true)
    if calls >= circuit.calls and failures >= circuit.share * calls then return open(name, circuit.cooldown) end
  elseif is_probe then
    redis.call('HDEL', name, 'probe', 'probe_until')
  end
  return 0
end

local changes = {}
for number, circuit in ipairs(settled.circuits) do
  changes[number] = settle(KEYS[number], circuit)
  if number == 1 and settled.pause > 0 then
    local until_now = tonumber(redis.call('HGET', KEYS[1], 'paused_until') or 0)
    redis.call('HSET', KEYS[1], 'paused_until', math.max(until_now, now + settled.pause))
  end
  if redis.call('EXISTS', KEYS[number]) == 1 then redis.call('PEXPIRE', KEYS[number], settled.keep) end
end
local slots, buckets = KEYS[#settled.circuits + 1], KEYS[#settled.circuits + 2]
redis.call('ZREM', slots, settled.token)
if settled.tokens ~= 0 and redis.call('HEXISTS', buckets, 'tokens') == 1 then
  redis.call('HINCRBYFLOAT', buckets, 'tokens', -settled.tokens)
end
return changes
