// Stands in for BeFaaS's logger where the real Artillery drives a profile of these tests.
'use strict'
const id = () => Math.random().toString(36).slice(2, 10)
function beforeRequest (request, context, events, next) {
  request.headers = request.headers || {}
  const contextId = id()
  request.headers['x-context'] = contextId
  request.headers['x-pair'] = `${contextId}-${id()}`
  return next()
}
function afterResponse (request, response, context, events, next) {
  return next()
}
module.exports = { beforeRequest, afterResponse }
