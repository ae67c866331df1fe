"""The demonstration: the whole line on a local exchange, its engine killed between an order and its answer."""
