// Publishes an event under the ids it was called with, as a topic does: here to a list in Redis.
const lib = require('@befaas/lib')
const Redis = require('ioredis')

const topics = new Redis(process.env.REDIS_ENDPOINT)

module.exports = lib.serverless.rpcHandler(async (event, ctx) => {
  const attribute = Value => ({ Type: 'String', Value })
  const Sns = {
    Message: JSON.stringify(event.event),
    MessageAttributes: { contextId: attribute(ctx.contextId), xPair: attribute(ctx.xPair) }
  }
  await topics.lpush(`topic:${event.fun}`, JSON.stringify({ Records: [{ Sns }] }))
  return { published: event.fun }
})
