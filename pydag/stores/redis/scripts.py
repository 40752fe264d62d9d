"""The Lua that runs inside Redis: each script is one atomic step on the keys that `pydag.stores.redis.store` lists.

KEYS[1] is the prefix. JSON passes through as text: cjson would round the microseconds of a time.
"""

# For readers, who know a run by its id.
_RUN_OF_ID = """
local number = redis.call('HGET', KEYS[1] .. '/ids', ARGV[1])
if not number then return 'no run' end
local run = KEYS[1] .. '/run/' .. number
"""

# For writers, who know a run by its number; no other run ever gets that number. Their fence must still be the run's.
_RUN_OF_NUMBER = """
local number = ARGV[1]
local run = KEYS[1] .. '/run/' .. number
if redis.call('EXISTS', run) == 0 then return 'no run' end
if (redis.call('HGET', run, 'fence') or '0') ~= ARGV[2] then return 'taken over' end
"""

# Every list that has the run while it is in this state.
_INDEXES = """
local function indexes(job, state)
    local of_job = KEYS[1] .. '/job/' .. job .. '/runs'
    return {KEYS[1] .. '/runs/' .. state, of_job .. '/' .. state, KEYS[1] .. '/runs', of_job}
end
"""

# The previous definition is deleted, unless a run has run with it.
_SAVE_JOB = """
local function save_job(name, entry, digest, document)
    redis.call('SETNX', KEYS[1] .. '/format', '1')
    local job = redis.call('HGET', KEYS[1] .. '/numbers', name)
    if not job then
        job = redis.call('HINCRBY', KEYS[1] .. '/next', 'job', 1)
        redis.call('HSET', KEYS[1] .. '/numbers', name, job)
    end
    local key = KEYS[1] .. '/job/' .. job
    local before = redis.call('HGET', KEYS[1] .. '/jobs', name)
    before = before and cjson.decode(before).spec
    if before and before ~= digest and not redis.call('HGET', key .. '/uses', before) then
        redis.call('HDEL', key .. '/specs', before)
    end
    redis.call('HSETNX', key .. '/specs', digest, document)
    redis.call('HSET', KEYS[1] .. '/jobs', name, entry)
    return job
end
"""

# ARGV: job name, its entry, digest, document.
SAVE_JOB = _SAVE_JOB + "save_job(ARGV[1], ARGV[2], ARGV[3], ARGV[4])"

# ARGV: job name. Answers its current definition.
JOB = """
local job = redis.call('HGET', KEYS[1] .. '/numbers', ARGV[1])
local entry = redis.call('HGET', KEYS[1] .. '/jobs', ARGV[1])
return job and entry and redis.call('HGET', KEYS[1] .. '/job/' .. job .. '/specs', cjson.decode(entry).spec)
"""

# ARGV: job name, its entry, digest, document, run id, run, state, end or '', start, the caller's token; '' or, where no
#   other run of the job may go on, 'alone', and the ids of those that do not count.
# Answers the run's number.
BEGIN = (
    _SAVE_JOB
    + _INDEXES
    + """
local number = redis.call('HGET', KEYS[1] .. '/ids', ARGV[5])
if number then
    local token = redis.call('HGET', KEYS[1] .. '/run/' .. number, 'begun')
    return token == ARGV[10] and number or 'taken'
end
local known = redis.call('HGET', KEYS[1] .. '/numbers', ARGV[1])
if ARGV[11] == 'alone' and known then
    local gone = {}
    for at = 12, #ARGV do gone[ARGV[at]] = true end
    for _, other in ipairs(redis.call('ZREVRANGE', KEYS[1] .. '/job/' .. known .. '/runs/running', 0, -1)) do
        local id = redis.call('HGET', KEYS[1] .. '/run/' .. other, 'id')
        if not gone[id] then return {id} end
    end
end
local job = save_job(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
number = string.format('%016d', redis.call('HINCRBY', KEYS[1] .. '/next', 'run', 1))
redis.call('HSET', KEYS[1] .. '/ids', ARGV[5], number)
redis.call('HSET', KEYS[1] .. '/run/' .. number, 'id', ARGV[5], 'run', ARGV[6], 'state', ARGV[7], 'ended', ARGV[8],
    'job', job, 'spec', ARGV[3], 'begun', ARGV[10])
redis.call('HINCRBY', KEYS[1] .. '/job/' .. job .. '/uses', ARGV[3], 1)
for _, index in ipairs(indexes(job, ARGV[7])) do redis.call('ZADD', index, ARGV[9], number) end
return number
"""
)

# ARGV: run number, fence, the caller's name, the number of its write, when its tracker was heard or '', then
#   the number of attempts, and of each its field and its JSON; then of each output, to the end:
#   its field, the length it must have, the bytes added, 'APPEND' or 'SET', the tail, the number of the first full
#   piece, the number of full pieces, and these.
# All lengths are checked before anything is written. A write that has taken effect already is not repeated.
WRITE = (
    _RUN_OF_NUMBER
    + """
local writer = 'writer ' .. ARGV[3]
if redis.call('HGET', run, writer) == ARGV[4] then return 'done' end
local first = 7 + 2 * tonumber(ARGV[6])
local at = first
while ARGV[at] do
    if (redis.call('HGET', run .. '/output', ARGV[at]) or '0') ~= ARGV[at + 1] then return 'moved' end
    at = at + 7 + tonumber(ARGV[at + 6])
end
redis.call('HSET', run, writer, ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', run, 'heard', ARGV[5]) end
for each = 7, first - 1, 2 do redis.call('HSET', run, ARGV[each], ARGV[each + 1]) end
at = first
while ARGV[at] do
    local field, pieces = ARGV[at], tonumber(ARGV[at + 6])
    redis.call('HINCRBY', run .. '/output', field, ARGV[at + 2])
    redis.call(ARGV[at + 3], run .. '/tail/' .. field, ARGV[at + 4])
    for each = 1, pieces do
        redis.call('HSET', run .. '/output', field .. '.' .. (ARGV[at + 5] + each - 1), ARGV[at + 6 + each])
    end
    at = at + 7 + pieces
end
return 'done'
"""
)

# ARGV: run number, fence, state, end or ''.
FINISH = (
    _INDEXES
    + _RUN_OF_NUMBER
    + """
local before = redis.call('HGET', run, 'state')
if before ~= 'pending' and before ~= 'running' then return 'done' end
local job = redis.call('HGET', run, 'job')
local started = redis.call('ZSCORE', KEYS[1] .. '/runs', number)
redis.call('HSET', run, 'state', ARGV[3], 'ended', ARGV[4])
for _, index in ipairs(indexes(job, before)) do redis.call('ZREM', index, number) end
for _, index in ipairs(indexes(job, ARGV[3])) do redis.call('ZADD', index, started, number) end
return 'done'
"""
)

# ARGV: run id, fence, owner, when it was heard, the caller's token. Answers the run's number.
TAKE_OVER = (
    _INDEXES
    + _RUN_OF_ID
    + """
if redis.call('HGET', run, 'taken') == ARGV[5] then return number end
if (redis.call('HGET', run, 'fence') or '0') ~= ARGV[2] then return 'taken over' end
local job = redis.call('HGET', run, 'job')
local started = redis.call('ZSCORE', KEYS[1] .. '/runs', number)
for _, index in ipairs(indexes(job, redis.call('HGET', run, 'state'))) do redis.call('ZREM', index, number) end
for _, index in ipairs(indexes(job, 'running')) do redis.call('ZADD', index, started, number) end
redis.call('HINCRBY', run, 'fence', 1)
redis.call('HSET', run, 'state', 'running', 'ended', '', 'owner', ARGV[3], 'heard', ARGV[4], 'taken', ARGV[5])
return number
"""
)

# ARGV: how many runs at most of each index, or -1; the start and the id of the run before which they are, or '' and '';
#   the keys of the indexes.
# Answers number and start of each run, index after index. If the run with that id was deleted, its number counts as '',
# and no number is smaller: runs of the same start are left out.
RUNS = """
local count, start = tonumber(ARGV[1]), ARGV[2]
local before = start ~= '' and (redis.call('HGET', KEYS[1] .. '/ids', ARGV[3]) or '')
local found = {}
local function add(number, score)
    found[#found + 1] = number
    found[#found + 1] = score
end
for at = 4, #ARGV do
    local older
    if before then
        for _, number in ipairs(redis.call('ZREVRANGEBYSCORE', ARGV[at], start, start)) do
            if number < before then add(number, start) end
        end
        older = redis.call('ZREVRANGEBYSCORE', ARGV[at], '(' .. start, '-inf', 'WITHSCORES', 'LIMIT', 0, count)
    else
        older = redis.call('ZREVRANGE', ARGV[at], 0, count < 0 and -1 or count - 1, 'WITHSCORES')
    end
    for each = 1, #older, 2 do add(older[each], older[each + 1]) end
end
return found
"""

# ARGV: run id. Answers the definition and all fields of the run.
LOAD = (
    _RUN_OF_ID
    + """
local of = redis.call('HMGET', run, 'job', 'spec')
return {redis.call('HGET', KEYS[1] .. '/job/' .. of[1] .. '/specs', of[2]), redis.call('HGETALL', run)}
"""
)

# ARGV: run id, field, first byte, size of a full piece. Answers the full piece with that byte, or the tail from it on.
READ_OUTPUT = (
    _RUN_OF_ID
    + """
local start, size = tonumber(ARGV[3]), tonumber(ARGV[4])
local length = tonumber(redis.call('HGET', run .. '/output', ARGV[2]) or '0')
if start >= length then return 'end' end
local piece = math.floor(start / size)
if piece < math.floor(length / size) then
    return {'full', redis.call('HGET', run .. '/output', ARGV[2] .. '.' .. string.format('%d', piece))}
end
return {'tail', redis.call('GETRANGE', run .. '/tail/' .. ARGV[2], start % size, -1)}
"""
)

# ARGV: run id, field. Answers the output's length.
OUTPUT_SIZE = _RUN_OF_ID + "return redis.call('HGET', run .. '/output', ARGV[2]) or '0'"

# ARGV: run number, fence, field. Answers the output's length and its tail.
END_OF_OUTPUT = (
    _RUN_OF_NUMBER
    + """
return {redis.call('HGET', run .. '/output', ARGV[3]) or '0', redis.call('GET', run .. '/tail/' .. ARGV[3]) or ''}
"""
)

_DELETE_RUN = """
local function delete_output(run)
    for _, field in ipairs(redis.call('HKEYS', run .. '/output')) do
        redis.call('UNLINK', run .. '/tail/' .. field)
    end
    redis.call('UNLINK', run .. '/output')
end

local function delete_run(job, number)
    local run = KEYS[1] .. '/run/' .. number
    local fields = redis.call('HMGET', run, 'id', 'state', 'spec')
    redis.call('HDEL', KEYS[1] .. '/ids', fields[1])
    for _, index in ipairs(indexes(job, fields[2])) do redis.call('ZREM', index, number) end
    delete_output(run)
    redis.call('UNLINK', run)
    return fields[3]
end
"""

# ARGV: job name, run id. A definition that no run has run with any more goes, unless it is the job's current one.
DELETE_RUN = (
    _INDEXES
    + _DELETE_RUN
    + """
local job = redis.call('HGET', KEYS[1] .. '/numbers', ARGV[1])
local number = redis.call('HGET', KEYS[1] .. '/ids', ARGV[2])
if not job or not number or redis.call('HGET', KEYS[1] .. '/run/' .. number, 'job') ~= job then return 'no run' end
local spec = delete_run(job, number)
local key = KEYS[1] .. '/job/' .. job
if redis.call('HINCRBY', key .. '/uses', spec, -1) <= 0 then
    redis.call('HDEL', key .. '/uses', spec)
    if cjson.decode(redis.call('HGET', KEYS[1] .. '/jobs', ARGV[1])).spec ~= spec then
        redis.call('HDEL', key .. '/specs', spec)
    end
end
return 'done'
"""
)

# ARGV: run id, its attempts as they are: field, the JSON that it has, the JSON that it gets.
DROP_OUTPUT = (
    _RUN_OF_ID
    + _DELETE_RUN
    + """
for at = 2, #ARGV, 3 do
    if redis.call('HGET', run, ARGV[at]) ~= ARGV[at + 1] then return 'changed' end
end
for at = 2, #ARGV, 3 do redis.call('HSET', run, ARGV[at], ARGV[at + 2]) end
delete_output(run)
return 'done'
"""
)

# ARGV: job name.
DELETE = (
    _INDEXES
    + _DELETE_RUN
    + """
local job = redis.call('HGET', KEYS[1] .. '/numbers', ARGV[1])
if not job then return 'no job' end
local key = KEYS[1] .. '/job/' .. job
for _, number in ipairs(redis.call('ZRANGE', key .. '/runs', 0, -1)) do delete_run(job, number) end
redis.call('UNLINK', key .. '/specs', key .. '/uses')
redis.call('HDEL', KEYS[1] .. '/numbers', ARGV[1])
redis.call('HDEL', KEYS[1] .. '/jobs', ARGV[1])
return 'done'
"""
)
