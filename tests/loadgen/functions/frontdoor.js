// The entry: asks for a price, and publishes an order.
const lib = require('@befaas/lib')

module.exports = lib.serverless.router(router => {
  router.get('/items/:id', async ctx => {
    ctx.body = await ctx.lib.call('price', { id: ctx.params.id })
  })
  router.post('/orders', async ctx => {
    const { id, count } = ctx.request.body
    const { price } = await ctx.lib.call('price', { id })
    const order = { id, count, total: price * count }
    await ctx.lib.call('publisher', { fun: 'receipt', event: order })
    ctx.body = { order: `${id}-${ctx.contextId}`, total: order.total }
  })
})
