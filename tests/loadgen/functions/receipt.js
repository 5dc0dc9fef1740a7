// Triggered by an order.
const lib = require('@befaas/lib')

module.exports = lib.serverless.msgHandler({ db: 'redis' }, async (event, ctx) => {
  await ctx.db.set(`receipt:${ctx.contextId}`, event)
})
