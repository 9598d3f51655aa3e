-- Arguments: until.
local last, following = tonumber(arg(1)), 0
local value = redis.call('GET', KEYS[2])
if value then
	local l, f = string.match(value, '^(%d+):(%d+):[01]$')
	if not l then
		return answer('corrupt')
	end
	last, following = math.max(last, tonumber(l)), tonumber(f)
end
put(string.format('%.0f:%.0f:1', last, following), last)
return answer('ok')
