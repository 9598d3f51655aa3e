-- Arguments: from or nothing, whether from must be known, until, how much of that is allowed for clocks, and how much may be
-- allowed elsewhere. The entry holds the exp.
local from, last, allowed = arg(1), tonumber(arg(3)), tonumber(arg(4))
local exp = last - allowed
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
	if now < old + allowed or exp <= old then
		return answer('used')
	end
end
put(string.format('%.0f', exp), exp + tonumber(arg(5)))
return answer('ok')
