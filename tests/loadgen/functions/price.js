// Called by the entry, calls the stock.
const lib = require('@befaas/lib')

module.exports = lib.serverless.rpcHandler(async (event, ctx) => {
  const { left } = await ctx.call('stock', { id: event.id })
  return { id: event.id, price: 10 + Number(event.id), left }
})
