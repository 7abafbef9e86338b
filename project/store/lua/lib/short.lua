-- The message of a waiting job is kept for days, so the parts that most messages have stand for one control character each,
-- which JSON cannot contain. The parts are part of the data: add to them only at the end.
local PARTS = {
  '{"body":"',
  '","content-encoding":"utf-8","content-type":"application/json","headers":{"lang":"py","task":"',
  '","id":"\2","shadow":null,"eta":null,"expires":null,"group":null,"group_index":null,"retries":',
  ',"timelimit":[null,null],"root_id":"',
  '","parent_id":null,"argsrepr":"',
  '","kwargsrepr":"',
  '","origin":"',
  '","ignore_result":false,"replaced_task_nesting":0,"stamped_headers":null,"stamps":{},"max_attempts":',
  '},"properties":{"correlation_id":"\2","reply_to":"',
  '","delivery_mode":2,"delivery_info":{"exchange":"","routing_key":"',
  '"},"priority":',
  ',"body_encoding":"base64","delivery_tag":"\2"}}',
}
local UNCHANGED = '\1'
local ID_CODE = '\2' -- in the place of the id of the job; the codes of the parts follow

local function replace_part(text, part, code)
  local from, to = text:find(part, 1, true)
  while from do
    text = text:sub(1, from - 1) .. code .. text:sub(to + 1)
    from, to = text:find(part, from + 1, true)
  end
  return text
end

local function shorten_message(text, id)
  if text:find('%c') or #id < 8 then return UNCHANGED .. text end
  local short = replace_part(text, id, ID_CODE)
  for i, part in ipairs(PARTS) do short = replace_part(short, part, string.char(i + 2)) end
  return short
end

-- The whole message again; one that is whole stays so.
local function lengthen_message(text, id)
  if text:sub(1, 1) == UNCHANGED then return text:sub(2) end
  if not text:find('%c') then return text end
  local function part_of(code) return PARTS[code:byte() - 2] end
  local long = text:gsub('[\3-\31]', part_of)
  return replace_part(long, ID_CODE, id)
end
