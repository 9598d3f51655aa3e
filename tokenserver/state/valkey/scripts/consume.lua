-- Arguments: from or nothing, whether from must be known, until.
local from, last = arg(1), tonumber(arg(3))
if from == '' then
	if arg(2) == '1' then
		return answer('before')
	end
elseif tonumber(from) < since then
	return answer('before')
end
if now >= last then
	return answer('used')
end
local value = redis.call('GET', KEYS[2])
if value then
	local old = tonumber(value)
	if not old then
		return answer('corrupt')
	end
	-- Another assertion may have the jti of one that is over, but must not shorten what is remembered.
	if now < old or last <= old then
		return answer('used')
	end
end
put(arg(3), last)
return answer('ok')
