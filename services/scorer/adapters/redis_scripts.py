"""What Redis does in one indivisible step each, in Lua (Redis 6.2 or newer; one node, no cluster).

KEYS: 1 the sentinel of the partition, a hash {generation, position, claim, mark, at}; 2 the sorted set of its subjects
with step-up, by when that ends. A state lies under `STATE` .. generation .. `:` .. subject, a step-up under `STEP_UP`
.. subject. A list comes as two arguments, the lengths of its items in MessagePack and the items end to end: ten
thousand arguments would cost the client far more. Positions are texts: numbers of Lua lose digits beyond 2^53.

The sentinel is written last: a script that ends early leaves it where it was, and the catch-up repairs the rest.
"""

from typing import Final

STATE: Final = "proofwatch:subject:"
STEP_UP: Final = "proofwatch:step-up:"

_COMMON: Final = f"""
local function now()
  return redis.call('TIME')[1]
end
local function items(lengths, text, prefix)
  local list, at = cmsgpack.unpack(lengths), 1
  for i, length in ipairs(list) do
    list[i] = prefix .. string.sub(text, at, at + length - 1)
    at = at + length
  end
  return list
end
local function apply(generation, ttl, lengths, text)
  local changes = items(lengths, text, '')
  for i = 1, #changes, 4 do
    local subject, value, step_up, ends = changes[i], changes[i + 1], changes[i + 2], changes[i + 3]
    local key = '{STATE}' .. generation .. ':' .. subject
    if value == '' then
      redis.call('DEL', key)
    else
      redis.call('SET', key, value, 'EX', ttl)
    end
    key = '{STEP_UP}' .. subject
    if step_up ~= '' then
      redis.call('SET', key, step_up, 'PXAT', ends)
      redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now() .. '000')
      redis.call('ZADD', KEYS[2], ends, subject)
    elseif redis.call('DEL', key) == 1 then
      redis.call('ZREM', KEYS[2], subject)
    end
  end
end
"""

SENTINEL: Final = """
local kept = redis.call('HMGET', KEYS[1], 'generation', 'position', 'claim', 'mark', 'at')
if not kept[1] then
  return nil
end
kept[5] = redis.call('TIME')[1] - kept[5]
return kept
"""
"""Returns generation, position, claim, mark, and seconds since it was known to be at the end; or nothing."""

CLAIM: Final = f"""
local kept = redis.call('HMGET', KEYS[1], 'generation', 'position', 'claim')
if (kept[1] or '') ~= ARGV[1] or (kept[2] or '') ~= ARGV[2] or (kept[3] or '') ~= ARGV[3] then
  return 0
end
if ARGV[5] == 'anew' then
  for _, subject in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    redis.call('DEL', '{STEP_UP}' .. subject)
  end
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'generation', ARGV[4], 'mark', '0', 'at', redis.call('TIME')[1])
end
redis.call('HSET', KEYS[1], 'position', '', 'claim', ARGV[4])
return 1
"""
"""ARGV: generation, position and claim as they were seen; the new claim; `anew` or nothing."""

FILL: Final = (
    _COMMON
    + """
local kept = redis.call('HMGET', KEYS[1], 'generation', 'claim')
if kept[2] ~= ARGV[1] then
  return 0
end
apply(kept[1], ARGV[2], ARGV[3], ARGV[4])
if ARGV[6] == '' then
  redis.call('HSET', KEYS[1], 'mark', ARGV[5])
else
  redis.call('HSET', KEYS[1], 'mark', ARGV[5], 'position', ARGV[6], 'claim', '', 'at', now())
end
return 1
"""
)
"""ARGV: claim; seconds to live; a list of changes (for each: subject, state, step-up, when that ends; empty: none);
mark; position or nothing."""

EXCHANGE: Final = (
    _COMMON
    + f"""
local kept = redis.call('HMGET', KEYS[1], 'generation', 'position', 'mark')
if kept[2] ~= ARGV[1] then
  if kept[2] == '' or kept[2] ~= ARGV[2] then
    return nil
  end
  apply(kept[1], ARGV[3], ARGV[4], ARGV[5])
  local mark = kept[3]
  if ARGV[6] ~= '' and tonumber(ARGV[6]) > tonumber(mark) then
    mark = ARGV[6]
  end
  redis.call('HSET', KEYS[1], 'position', ARGV[1], 'mark', mark, 'at', now())
end
local keys = items(ARGV[7], ARGV[8], '{STATE}' .. kept[1] .. ':')
local places, states, found = {{}}, {{}}, 0
for first = 0, #keys - 1, 4000 do
  local last = math.min(first + 4000, #keys)
  for i, state in ipairs(redis.call('MGET', unpack(keys, first + 1, last))) do
    if state then
      found = found + 1
      places[found], states[found] = first + i - 1, state
    end
  end
end
return cmsgpack.pack({{places, states}})
"""
)
"""ARGV: position; where the batch before began or nothing; seconds to live; a list of its changes; mark or nothing; a
list of subjects. Returns the places (from 0) of those that have a state, and the states."""
