"""
RabbitMQ over AMQP 0-9-1, on the event loop, without a client library between the socket and the deliveries.

    source        the contract: AmqpSource
    reader        keeps a connection: connects, consumes, acknowledges, connects again
    window        what was taken and not settled; arrivals: what was not even read
    consumer      one connection that consumes our queue; declarations: queue and binding
    handshake     an address becomes a connection
    connection    the shell around the frame parser; channel: methods and their answers; heartbeat
    frames        bytes to deliveries and methods, without I/O; properties: what a header says
    address       the URL; refusal: errors
    alarms        whether the broker blocks publishers
    leftovers     what a group left behind, for who removes it

Who reads another kind of queue begins at the connection:

    connection = await connect(address, name, receive=..., tag_base=..., clock=...)
    channel = await connection.open_channel()
    await declare(connection, channel, queue, arguments)
    channel.on_end = ...            # the broker closed it, cancelled the consumer, or the connection is lost
    await channel.consume(queue, prefetch, {"x-stream-offset": 7})
    channel.ack(tag - tag_base); connection.server_properties["cluster_name"]; await connection.close()
"""

from bridge.sources.amqp.source import AmqpSource

__all__ = ["AmqpSource"]
