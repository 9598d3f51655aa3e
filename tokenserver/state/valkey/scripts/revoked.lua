-- Arguments: issued.
if tonumber(arg(1)) < since then
	return answer('revoked')
end
local value = redis.call('GET', KEYS[2])
if value then
	local r = string.match(value, '^%d+:%d+:([01])$')
	if not r then
		return answer('corrupt')
	end
	if r == '1' then
		return answer('revoked')
	end
end
return answer('ok')
