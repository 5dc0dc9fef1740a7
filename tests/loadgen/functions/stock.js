// Called by the price, counts in the database.
const lib = require('@befaas/lib')

module.exports = lib.serverless.rpcHandler({ db: 'redis' }, async (event, ctx) => {
  const seen = (await ctx.db.get(`stock:${event.id}`)) || 0
  await ctx.db.set(`stock:${event.id}`, seen + 1)
  return { left: 1000000 - seen }
})
