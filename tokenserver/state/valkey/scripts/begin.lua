-- KEYS: the marker of the partition, the entry. ARGV: now; when the memory begins if it is found to begin now; the highest
-- count that the caller has seen; more, which arg returns.
-- Times are microseconds since 1970. Lua numbers hold them exactly, but print them rounded: what is stored is printed with
-- %.0f, or is the text that came.
local now, seen = tonumber(ARGV[1]), tonumber(ARGV[3])
local time = redis.call('TIME')
local server = time[1] * 1000 + math.floor(time[2] / 1000)
local since, count, fresh = nil, -1, '0'
local function answer(text)
	return {text, fresh, string.format('%.0f', count)}
end
local function arg(n)
	return ARGV[3 + n]
end
local function mark()
	redis.call('SET', KEYS[1], string.format('%.0f:%.0f', since, count))
end
local marker = redis.call('GET', KEYS[1])
if marker then
	local s, c = string.match(marker, '^(%d+):(%d+)$')
	if not s then
		return answer('corrupt')
	end
	since, count = tonumber(s), tonumber(c)
end
-- An entry is dropped when the server's clock passes its end and the skew. For a token server whose clock is not further
-- behind, what the entry stood for is then over.
if now / 1000 + skew <= server then
	return answer('clock')
end
-- The marker counts all changes of the partition. Without it, or when it has not come as far as the caller knows it has,
-- changes are lost: the memory begins now.
if count < seen then
	-- A clock that is far ahead must not decide for all.
	if now / 1000 > server + skew then
		return answer('clock')
	end
	-- Others may have seen more, but not so much more: what they miss is lost by what is said here already.
	since, count, fresh = tonumber(ARGV[2]), seen + 1000000, '1'
	-- Nor must one that is behind, by more than is allowed for anyway: what others used meanwhile would be forgotten.
	if now / 1000 + apart < server then
		since = (math.ceil((server + apart) / 1000)) * 1000000
	end
	mark()
end
local function put(value, last)
	count = count + 1
	mark()
	redis.call('SET', KEYS[2], value, 'PXAT', string.format('%.0f', math.ceil(last / 1000) + skew))
end
