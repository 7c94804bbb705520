-- POST with a body of so many bytes: wrk -s post.lua URL -- 1024
function init (args)
  wrk.method = 'POST'
  wrk.headers['Content-Type'] = 'application/octet-stream'
  wrk.body = string.rep('x', tonumber(args[#args]))
end
