-- Which of the candidates may be called now? Takes its places (probe, slot, tokens) in the same step, so that two
-- workers never get the same one. KEYS: per candidate its pair's circuit, its account's circuit, its slots, its buckets,
-- then its keys' circuits. Times in milliseconds, by Redis' own clock.
--
-- Returns {verdict, candidate, key, wait}, both counted from 1 (0: none):
--   1 granted · 2 only limits stand in the way, ask again after `wait` (candidate: the least bad of the open ones)
--   3 all circuits are open, this is the least bad and it is granted (only with `force`) · 0 nobody may be called
local ask = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local PROBE_WAIT = 1000
local SLOT_WAIT = 50

-- How long a circuit stays shut: 0 where it is closed, or may be probed. And whether a call would be the probe.
local function shut(name)
  local found = redis.call('HMGET', name, 'cooldown', 'until', 'probe_until')
  if not found[1] or tonumber(found[1]) == 0 then return 0, false end
  local wait = tonumber(found[2]) - now
  if wait > 0 then return wait, false end
  if found[3] and tonumber(found[3]) > now then return PROBE_WAIT, false end
  return 0, true
end

local function level(name, field, burst, rate)
  local found = redis.call('HMGET', name, field, field .. '_at')
  if not found[1] then return burst end
  return math.min(burst, tonumber(found[1]) + (now - tonumber(found[2])) * rate)
end

-- How long the limits want it to wait.
local function limited(c, names)
  local wait = 0
  local pause = redis.call('HGET', names.pair, 'paused_until')
  if pause then wait = math.max(wait, tonumber(pause) - now) end
  if c.slots then
    redis.call('ZREMRANGEBYSCORE', names.slots, '-inf', now)
    if redis.call('ZCARD', names.slots) >= c.slots then wait = math.max(wait, SLOT_WAIT) end
  end
  if c.requests then
    local missing = 1 - level(names.buckets, 'requests', c.requests.burst, c.requests.rate)
    if missing > 0 then wait = math.max(wait, missing / c.requests.rate) end
  end
  if c.tokens then
    local needed = math.min(ask.tokens, c.tokens.burst)
    local missing = needed - level(names.buckets, 'tokens', c.tokens.burst, c.tokens.rate)
    if missing > 0 then wait = math.max(wait, missing / c.tokens.rate) end
  end
  return math.ceil(wait)
end

local function take(c, names, probes)
  for _, name in ipairs(probes) do
    redis.call('HSET', name, 'probe', ask.token, 'probe_until', now + ask.hold)
    redis.call('PEXPIRE', name, ask.keep)
  end
  if c.slots then
    redis.call('ZADD', names.slots, now + ask.hold, ask.token)
    redis.call('PEXPIRE', names.slots, ask.keep)
  end
  if c.requests then
    local left = level(names.buckets, 'requests', c.requests.burst, c.requests.rate) - 1
    redis.call('HSET', names.buckets, 'requests', left, 'requests_at', now)
  end
  if c.tokens then
    local left = level(names.buckets, 'tokens', c.tokens.burst, c.tokens.rate) - ask.tokens
    redis.call('HSET', names.buckets, 'tokens', left, 'tokens_at', now)
  end
  if c.requests or c.tokens then redis.call('PEXPIRE', names.buckets, ask.keep) end
end

local place = 0
local least, least_key, least_wait, least_names = 0, 0, math.huge, nil
local limit_wait = math.huge
for number, c in ipairs(ask.candidates) do
  local names = { pair = KEYS[place + 1], account = KEYS[place + 2], slots = KEYS[place + 3], buckets = KEYS[place + 4] }
  local first_key = place + 4
  place = first_key + c.keys
  local pair_wait, pair_probes = shut(names.pair)
  local account_wait, account_probes = shut(names.account)
  local key, key_wait, key_probes = 1, math.huge, false
  for turn = 0, c.keys - 1 do
    local tried = (c.first + turn) % c.keys + 1
    local wait, probes = shut(KEYS[first_key + tried])
    if wait < key_wait then key, key_wait, key_probes = tried, wait, probes end
    if wait == 0 then break end
  end
  local wait = math.max(pair_wait, account_wait, key_wait)
  if wait > 0 then
    if wait < least_wait then least, least_key, least_wait, least_names = number, key, wait, names end
  else
    local pause = limited(c, names)
    if pause > 0 then
      limit_wait = math.min(limit_wait, pause)
    else
      local probes = {}
      if pair_probes then probes[#probes + 1] = names.pair end
      if account_probes then probes[#probes + 1] = names.account end
      if key_probes then probes[#probes + 1] = KEYS[first_key + key] end
      take(c, names, probes)
      return { 1, number, key, 0 }
    end
  end
end
if limit_wait < math.huge then return { 2, least, least_key, limit_wait } end
if least == 0 or not ask.force then return { 0, 0, 0, 0 } end
take(ask.candidates[least], least_names, {})
return { 3, least, least_key, least_wait }
