-- Arguments: issued, number, until.
local number, last = tonumber(arg(2)), tonumber(arg(3))
if tonumber(arg(1)) < since or now >= last then
	return answer('before')
end
local following, revoked = 0, '0'
local value = redis.call('GET', KEYS[2])
if value then
	local l, f, r = string.match(value, '^(%d+):(%d+):([01])$')
	if not l then
		return answer('corrupt')
	end
	last, following, revoked = math.max(last, tonumber(l)), tonumber(f), r
end
if revoked == '1' then
	return answer('revoked')
end
if number > following then
	return answer('before')
end
if number < following then
	put(string.format('%.0f:%.0f:1', last, following), last)
	return answer('reused')
end
put(string.format('%.0f:%.0f:0', last, following + 1), last)
return answer('ok')
