"""The venue's engine: accounts, orders, matching and settlement. Synchronous, exact, and without I/O."""

from collections.abc import Mapping
from copy import copy
from typing import Final

from trading_system.errors import ConfigurationError
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.testnet.clock import VirtualClock
from trading_system.testnet.house import House
from trading_system.testnet.ledger import FEES, HOUSE, Ledger
from trading_system.testnet.market_place import MarketPlace
from trading_system.testnet.order_book import Match, Side
from trading_system.testnet.orders import (
    Execution,
    Fill,
    Order,
    OrderRequest,
    OrderType,
    Positions,
    Report,
    Status,
    TimeInForce,
    UserEvent,
)
from trading_system.testnet.refusals import Reason, Refusal


class Exchange:
    """Takes orders and the recorded market's trades, and settles what they do to each other.

    Everything that happens to an account is put into `outbox`, oldest first; who drains it tells the
    account's user data streams.

    Args:
        maker_fee, taker_fee: Commission in atoms per whole unit received: 100_000 is 0.1 %.
    """

    def __init__(self, clock: VirtualClock, *, maker_fee: int, taker_fee: int) -> None:
        self.clock: Final = clock
        self.ledger: Final = Ledger()
        self.places: Final[dict[str, MarketPlace]] = {}
        self.orders: Final[dict[int, Order]] = {}
        self.fills: Final[list[Fill]] = []
        self.outbox: Final[list[UserEvent]] = []
        self.fees: Final = (maker_fee, taker_fee)
        self._by_client: dict[tuple[str, str, str], list[int]] = {}
        self._open: dict[str, dict[int, Order]] = {}
        self._trade_id = 0
        self._execution_id = 0

    def list_instrument(self, instrument: Instrument, house: House, *, seed: int, price: int) -> None:
        """Open a market for `instrument` whose last price is `price` ticks."""
        if instrument.symbol in self.places:
            raise ConfigurationError(f"{instrument.symbol} is listed twice")
        self.places[instrument.symbol] = MarketPlace(instrument, house, seed=seed, price=price)

    def deposit(self, account: str, balances: Mapping[str, int]) -> None:
        """Give `account` free balances, atoms by currency; told to nobody."""
        for currency, atoms in balances.items():
            self.ledger.transfer(currency, atoms, source=HOUSE, target=account)
        self.ledger.touched()

    def place(self, symbol: str) -> MarketPlace:
        """Return the market of `symbol`, with the house's quotes on its book.

        Raises:
            Refusal: The symbol is not listed.
        """
        if symbol not in self.places:
            raise Refusal(Reason.BAD_SYMBOL)
        place = self.places[symbol]
        place.show_quotes()
        return place

    def check(self, account: str, request: OrderRequest) -> Order:
        """Return the order that `request` would become, unnumbered, or refuse it; nothing is changed.

        Raises:
            Refusal: A client order id that is open already, a stop that would trigger, a maker order that
                would take, too little balance. An id whose order is over is taken again, as at the venue.
        """
        place = self.place(request.symbol)
        name = request.client_order_id
        if name is not None and any(
            order.client_order_id == name for order in self.open_orders(account, request.symbol)
        ):
            raise Refusal(Reason.DUPLICATE_ORDER)
        if request.stop is not None and place.would_trigger(request.side, request.stop):
            raise Refusal(Reason.WOULD_TRIGGER)
        if request.type is OrderType.LIMIT_MAKER and place.book.levels(request.side.other, limit=request.price):
            raise Refusal(Reason.WOULD_TAKE)
        lots = place.lots_for(request.side, request.quote_atoms or 0) if request.lots is None else request.lots
        if lots < place.instrument.min_lots:
            raise Refusal(Reason.NO_LIQUIDITY)
        now_ns = self.clock.now_ns
        order = Order(
            order_id=0, client_order_id=name or "", account=account, request=request, lots=lots,
            created_ns=now_ns, updated_ns=now_ns,
        )  # fmt: skip
        order.reserved = self._needed(place, order)
        if self.ledger.balance(account, self._spends(order)).free < order.reserved:
            raise Refusal(Reason.NO_BALANCE)
        return order

    def submit(self, account: str, request: OrderRequest) -> Order:
        """Accept `request`, match it, and return its order; the caller must not change it.

        Raises:
            Refusal: As `check`; nothing has happened.
        """
        order = self.check(account, request)
        order.order_id = len(self.orders) + 1
        order.client_order_id = order.client_order_id or f"testnet-{order.order_id:014d}"
        self.orders[order.order_id] = order
        self._by_client.setdefault((account, request.symbol, order.client_order_id), []).append(order.order_id)
        self._open.setdefault(account, {})[order.order_id] = order
        self.ledger.lock(account, self._spends(order), order.reserved)
        if request.stop is None:
            order.working_ns = order.created_ns
        self._report(order, Execution.NEW)
        if request.stop is None:
            self._enter(order)
        else:
            self.places[request.symbol].stops[order.order_id] = order
        self._tell_positions()
        return order

    def cancel(self, order: Order, *, cancel_id: str | None = None) -> Order:
        """Take an open `order` off and return it; `cancel_id` names the cancel request in the report.

        Raises:
            Refusal: It is over already.
        """
        if not order.is_open:
            raise Refusal(Reason.UNKNOWN_ORDER)
        place = self.places[order.request.symbol]
        place.book.remove(order.order_id)
        place.stops.pop(order.order_id, None)
        self._end(order, Status.CANCELED, cancel_id=cancel_id or f"testnet-cancel-{order.order_id:07d}")
        self._tell_positions()
        return order

    def find(self, account: str, symbol: str, *, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Return an order of `account` by the venue's id or, the latest that bears it, by the client's."""
        if order_id is None:
            named = self._by_client.get((account, symbol, client_order_id or ""), [0])
            order_id = named[-1]
        order = self.orders.get(order_id)
        known = order is not None and order.account == account and order.request.symbol == symbol
        fits = order is not None and client_order_id in (None, order.client_order_id)
        return order if known and fits else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Return the open orders of `account`, oldest first; of all symbols where none is given."""
        mine = self._open.get(account, {}).values()
        return [order for order in mine if symbol in (None, order.request.symbol)]

    def trade(self, symbol: str, *, price: int, lots: int) -> int:
        """Let the recorded market trade `lots` at `price` ticks, and return the trade's id.

        Price-time priority against what rests: an order that the price has passed is filled whole, at
        its own price, since nobody trades beyond a better offer; one at the price is filled before the
        house, up to the trade's quantity. Then stops at or past the price enter.
        """
        place = self.places[symbol]
        place.withdraw_quotes()
        for taker in Side:
            beyond = price + 1 if taker is Side.SELL else price - 1
            passed = place.book.take(taker, lots=None, limit=beyond)
            for match in passed + place.book.take(taker, lots=lots, limit=price):
                self._trade(place, taker, None, match)
        self._trade_id += 1
        trade_id = self._trade_id
        place.mark(price)
        for order in place.triggered():
            place.show_quotes()
            order.working_ns = order.updated_ns = self.clock.now_ns
            self._report(order, Execution.NEW)
            self._enter(order)
        self._tell_positions()
        return trade_id

    def _enter(self, order: Order) -> None:
        """Match a working order, then rest or end what is left of it."""
        place, request = self.places[order.request.symbol], order.request
        all_or_none = request.time_in_force is TimeInForce.FOK
        within = place.book.levels(request.side.other, limit=request.price)
        if not (all_or_none and sum(lots for _, lots in within) < order.lots):
            for match in place.book.take(request.side, lots=order.lots, limit=request.price):
                self._trade(place, request.side, order, match)
        if order.left and (request.type is OrderType.MARKET or request.time_in_force is not TimeInForce.GTC):
            self._end(order, Status.EXPIRED)
        elif order.left and request.price is not None:
            place.book.rest(order.order_id, request.side, price=request.price, lots=order.left)

    def _trade(self, place: MarketPlace, side: Side, taker: Order | None, match: Match) -> None:
        """Settle one match; a side without an order is the house."""
        maker = self.orders.get(match.maker_id)
        buyer, seller = (taker, maker) if side is Side.BUY else (maker, taker)
        quote_atoms = match.price * match.lots * place.instrument.notional_atoms
        base_atoms = match.lots * place.instrument.lot_atoms
        self._trade_id += 1
        self._pay(place.instrument.quote, quote_atoms, buyer, seller)
        self._pay(place.instrument.base, base_atoms, seller, buyer)
        for order, is_maker in ((taker, False), (maker, True)):
            if order is not None:
                self._execute(place.instrument, order, match, quote_atoms, maker=is_maker)

    def _pay(self, currency: str, atoms: int, payer: Order | None, payee: Order | None) -> None:
        target = payee.account if payee else HOUSE
        if payer is None:
            self.ledger.transfer(currency, atoms, source=HOUSE, target=target)
        else:
            self.ledger.spend(currency, atoms, source=payer.account, target=target)

    def _execute(self, instrument: Instrument, order: Order, match: Match, quote_atoms: int, *, maker: bool) -> None:
        """Book one execution on one order: reserve, fee, status, report."""
        buys = order.request.side is Side.BUY
        received, currency = (
            (match.lots * instrument.lot_atoms, instrument.base) if buys else (quote_atoms, instrument.quote)
        )
        spent = quote_atoms if buys else match.lots * instrument.lot_atoms
        set_aside = spent
        if buys and order.request.price is not None:
            set_aside = order.request.price * match.lots * instrument.notional_atoms
        order.reserved -= set_aside
        self.ledger.release(order.account, self._spends(order), set_aside - spent)  # a better price than its limit
        fee = received * self.fees[0 if maker else 1] // ATOMS
        self.ledger.transfer(currency, fee, source=order.account, target=FEES)
        order.executed += match.lots
        order.executed_quote += quote_atoms
        order.updated_ns = self.clock.now_ns
        order.status = Status.PARTIALLY_FILLED if order.left else Status.FILLED
        fill = Fill(
            trade_id=self._trade_id, order_id=order.order_id, account=order.account, symbol=instrument.symbol,
            side=order.request.side, price=match.price, lots=match.lots, quote_atoms=quote_atoms,
            fee_atoms=fee, fee_currency=currency, maker=maker, ns=order.updated_ns,
        )  # fmt: skip
        self.fills.append(fill)
        self._report(order, Execution.TRADE, fill=fill)
        if not order.is_open:
            self._close(order)

    def _end(self, order: Order, status: Status, *, cancel_id: str | None = None) -> None:
        order.status = status
        order.updated_ns = self.clock.now_ns
        self._close(order)
        self._report(order, Execution(status.value), cancel_id=cancel_id)

    def _close(self, order: Order) -> None:
        self.ledger.release(order.account, self._spends(order), order.reserved)
        order.reserved = 0
        del self._open[order.account][order.order_id]

    def _needed(self, place: MarketPlace, order: Order) -> int:
        """Return the atoms to lock: what the order can cost at worst, exactly."""
        if order.request.side is Side.SELL:
            return order.lots * place.instrument.lot_atoms
        if order.request.price is None:
            return place.cost(Side.BUY, order.lots)[1]
        return order.request.price * order.lots * place.instrument.notional_atoms

    def _spends(self, order: Order) -> str:
        instrument = self.places[order.request.symbol].instrument
        return instrument.quote if order.request.side is Side.BUY else instrument.base

    def _report(
        self, order: Order, execution: Execution, *, fill: Fill | None = None, cancel_id: str | None = None
    ) -> None:
        self._execution_id += 1
        self.outbox.append(
            Report(
                execution_id=self._execution_id, execution=execution, order=copy(order), fill=fill,
                cancel_id=cancel_id, ns=self.clock.now_ns,
            )
        )  # fmt: skip

    def _tell_positions(self) -> None:
        """Report the balances touched since the last call, once for each client's account."""
        for account, currencies in self.ledger.touched().items():
            if account not in (HOUSE, FEES):
                held = [(name, self.ledger.balance(account, name)) for name in currencies]
                balances = tuple((name, balance.free, balance.locked) for name, balance in held)
                self.outbox.append(Positions(account=account, balances=balances, ns=self.clock.now_ns))
