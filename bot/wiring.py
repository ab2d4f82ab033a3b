"""The only module that sees everything: puts the parts together, and takes them apart in the reverse order."""

import gc
import importlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot import consent, ephemeral, errors, steps, stopping
from bot.applying import Terms
from bot.budgets import Budgets
from bot.catching_up import CatchingUp
from bot.clock import SystemClock
from bot.commands.command import Context, Office
from bot.commands.registry import COMMANDS, Commands
from bot.commands.spoken import Spoken
from bot.core import Core
from bot.delivery import Delivery
from bot.departures import Departures, Lives
from bot.intake import Intake
from bot.lanes import Lanes
from bot.learning import Learning, Pace
from bot.leases import SCHEDULER, Leases
from bot.messages import Message, Platform
from bot.models.breaker import Breakers
from bot.models.offline import OfflineModel
from bot.models.watched import WatchedBatches, WatchedModel
from bot.notices import Notices
from bot.offering import Offers
from bot.ports import Adapter, BatchModel, Clock, Model
from bot.purging import Purging
from bot.rechecking import Rechecking
from bot.responder import Responder
from bot.settings import Settings
from bot.special import SpecialCategories
from bot.store import erasing, opening
from bot.store.engine import Store
from bot.store.timed import TimedStore
from bot.store.usage import Purpose
from bot.store.workers import ALONE, Worker
from bot.tasks import alongside
from bot.tidying import Tidying
from bot.timers import Timers
from persona import schema, special
from persona.optimizer import Optimizer

if TYPE_CHECKING:  # loaded where HTTP is served
    from bot.metrics import Metrics

LEARNING = "learning"
"""The lane of sweeps that somebody asked for: one at a time, like everything in a lane."""

OFFERING = "offering"
"""The lane of offers to answer in private."""

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_core(
    settings: Settings,
    *,
    clock: Clock | None = None,
    default: consent.Default = "ask",
    model: Model | None = None,
    around: Callable[[Store], Store] | None = None,
) -> AsyncIterator[Core]:
    """Open the store, bring it up to date, and build everything on it.

    `default` is what holds for members who decided nothing, where PERSONA_CONSENT says nothing. `model` is asked
    instead of the one the settings name. `around` puts something around the store, such as what counts statements.

    Raises:
        StoreError: the database cannot be used; the message says what to do.
    """
    clock = clock or SystemClock()
    default = settings.persona_consent or default
    fields = special.with_fields(schema.load(settings.persona_schema), settings.allowed_categories)
    breakers = Breakers(clock=clock)
    model, batch_model = _models(settings, clock, breakers) if model is None else (model, None)
    if steps.is_watched():
        model, batch_model = WatchedModel(model), batch_model and WatchedBatches(batch_model)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(model.close)
        address = settings.database_url.get_secret_value()
        await opening.migrate(address)
        opened = await opening.opened(address, key=settings.master_key)
        closing.push_async_callback(opened.close)
        store = opened if around is None else around(opened)
        if await store.write(partial(erasing.catch_up, schema=fields)):
            await store.scrub()
        lanes = await closing.enter_async_context(Lanes())
        terms = Terms(schema=fields, default=default)
        worker = Worker.new(lease=settings.worker_lease) if opening.is_postgres(address) else ALONE
        yield _assembled(
            settings,
            store,
            lanes,
            clock=clock,
            terms=terms,
            model=model,
            batch_model=batch_model,
            breakers=breakers,
            worker=worker,
        )


def _assembled(
    settings: Settings,
    store: Store,
    lanes: Lanes,
    *,
    clock: Clock,
    terms: Terms,
    model: Model,
    batch_model: BatchModel | None,
    worker: Worker,
    breakers: Breakers,
) -> Core:
    """Everything that is built on an open store, from what delivers to what an adapter sees."""
    adapters: dict[Platform, Adapter] = {}
    schema, default, asked = terms.schema, terms.default, _asked(settings, model)
    leases = Leases(store=store, clock=clock, worker=worker)
    delivery = Delivery(store=store, adapters=adapters, clock=clock, worker=worker)
    budgets = Budgets(
        store=store,
        clock=clock,
        models=asked,
        monthly=settings.monthly_budget,
        daily=settings.member_daily_budget,
    )
    learning = Learning(
        store=store,
        optimizer=Optimizer(model=model, schema=schema),
        terms=terms,
        pace=_pace(settings),
        clock=clock,
        tell=delivery.tell,
        budgets=budgets,
        batch_model=batch_model,
    )
    offers = Offers(store=store, schema=schema, default=default, clock=clock, tell=delivery.tell)
    categories = SpecialCategories(store=store, terms=terms, clock=clock, tell=delivery.tell)
    responder = Responder(
        store=store,
        model=model,
        delivery=delivery,
        schema=schema,
        default=default,
        clock=clock,
        budgets=budgets,
        learn_soon=partial(lanes.submit, LEARNING, LEARNING, learning.at_once),
        ask=Notices(store=store, delivery=delivery, default=default, clock=clock).ask,
        offer=partial(_offer, lanes, offers, categories),
    )
    purging = Purging(store=store, schema=schema, clock=clock)
    office = Office(
        admins=settings.admins,
        adapters=adapters,
        models=asked,
        monthly=settings.monthly_budget,
        purge=purging.purge,
        away=breakers.away,
    )
    commands = Commands(_context(settings, store, clock=clock, terms=terms, office=office))
    intake = Intake(
        store=store,
        lanes=lanes,
        adapters=adapters,
        schema=schema,
        default=default,
        clock=clock,
        answer=responder.answer,
        turn_away=responder.turn_away,
        command=Spoken(commands, delivery).answer,
        verbs=COMMANDS,
        worker=worker,
    )
    is_leading = partial(leases.holds, SCHEDULER)
    return Core(
        settings=settings,
        store=store,
        clock=clock,
        model=model,
        intake=intake,
        commands=commands,
        learning=learning,
        tidying=Tidying(store=store, terms=terms, clock=clock),
        departures=Departures(store=store, terms=terms, lives=_lives(settings), clock=clock),
        purging=purging,
        special=categories,
        rechecking=Rechecking(store=store, intake=intake, adapters=adapters, clock=clock, is_leading=is_leading),
        catching_up=CatchingUp(
            store=store, intake=intake, lanes=lanes, adapters=adapters, clock=clock, horizon=settings.catch_up
        ),
        leases=leases,
        timers=Timers(store=store, clock=clock),
        holds=delivery.holds,
        lanes=lanes,
        adapters=adapters,
    )


def _context(settings: Settings, store: Store, *, clock: Clock, terms: Terms, office: Office) -> Context:
    return Context(
        store=store,
        schema=terms.schema,
        default=terms.default,
        clock=clock,
        office=office,
        message_retention=settings.message_retention,
        reply_retention=settings.reply_retention,
        departed_retention=settings.departed_retention,
        silent_after=settings.silent_after,
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        idle_after=settings.idle_after,
        every=settings.persona_update_every,
        within=settings.learn_within,
        by_batch=settings.learn_mode == "batch",
    )


def _lives(settings: Settings) -> Lives:
    return Lives(tenant=settings.purge_after, departed=settings.departed_retention, silent=settings.silent_after)


def _asked(settings: Settings, model: Model) -> Mapping[Purpose, str]:
    """Which model is asked for what; one that is not the settings' is asked for everything."""
    is_vendors = settings.anthropic_api_key is not None and model.name == settings.anthropic_model
    return {"answer": model.name, "learn": settings.persona_model if is_vendors else model.name}


def _offer(lanes: Lanes, offers: Offers, categories: SpecialCategories, message: Message) -> None:
    """Look beside the room's own lane, so that nobody's next answer waits for it."""
    lanes.submit(OFFERING, message.key, partial(offers.consider, message))
    if categories.are_allowed:
        lanes.submit(OFFERING, f"{message.key} (special)", partial(categories.consider, message))


def _models(settings: Settings, clock: Clock, breakers: Breakers) -> tuple[Model, BatchModel | None]:
    if settings.anthropic_api_key is None:
        return OfflineModel(), None
    from bot.models.anthropic import AnthropicModel  # noqa: PLC0415 - late, like the SDK behind it

    model = AnthropicModel(
        key=settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        answer_model=settings.anthropic_model,
        persona_model=settings.persona_model,
        clock=clock,
        breakers=breakers,
    )
    return model, model.batches


async def run(
    settings: Settings, *, clock: Clock | None = None, around: Callable[[Store], Store] | None = None
) -> None:
    """Run every configured platform until the process is told to stop.

    A host waits only so long for its connection, so that an outage of one platform holds up neither the other nor the
    sweeps; what is wrong with a setting ends the start. `clock` and `around` as for `open_core`.

    Raises:
        PlatformError: a platform refused a setting, or could not be reached at all; the message says which.
        StoreError: the database cannot be used.
        SettingsError: PORT is taken, or the database would be lost with the disk.
    """
    ephemeral.check(settings)
    configured = {"slack": settings.has_slack, "discord": settings.discord_bot_token}
    hosts = [importlib.import_module(f"adapters.{name}.host") for name, is_set in configured.items() if is_set]
    metrics = None if settings.port is None else _metrics(settings)
    with _traced(settings), steps.watched(*([metrics] if metrics else [])):
        timed = around if metrics is None else partial(_timed, metrics, around)
        async with open_core(settings, clock=clock, around=timed) as core, AsyncExitStack() as connected:
            if settings.port is not None and metrics is not None:
                await connected.enter_async_context(_served(core, settings.port, metrics))
            for host in hosts:
                await connected.enter_async_context(host.connected(core))
            async with core.working(), alongside(partial(settled, core)):
                _log.info("bot.ready", platforms=sorted(core.adapters), model=core.model.name)
                await stopping.asked()
                _log.info("bot.stopping")


def _timed(metrics: "Metrics", around: Callable[[Store], Store] | None, store: Store) -> Store:
    return TimedStore(store if around is None else around(store), took=metrics.took)


def _metrics(settings: Settings) -> "Metrics":
    from bot.metrics import Metrics  # noqa: PLC0415 - a tenth of a second, off the terminal's start

    is_postgres = opening.is_postgres(settings.database_url.get_secret_value())
    return Metrics(clock=SystemClock(), engine="postgres" if is_postgres else "sqlite")


@asynccontextmanager
async def _served(core: Core, port: int, metrics: "Metrics") -> AsyncIterator[None]:
    """Answer on a port how we are, and whatever else is offered."""
    from bot.health import Health  # noqa: PLC0415 - likewise

    async with core.web.serving(port), alongside(metrics.watch_loop):
        with Health(core, metrics).offered():
            yield


@contextmanager
def _traced(settings: Settings) -> Iterator[None]:
    """Send traces, if the environment says where."""
    if not settings.otel_exporter_otlp_endpoint:
        yield
        return
    try:
        from bot.traces import traced  # noqa: PLC0415 - another half second, for whoever wants it
    except ImportError:
        raise errors.SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what sends traces is not installed; run: pip install"
            " 'rapport-bot[traces]'"
        ) from None
    with traced(settings.otel_exporter_otlp_endpoint):
        yield


async def settled(core: Core) -> None:
    """Load the model's SDK, and take all that is loaded by then out of the garbage collector's sight.

    It stays for as long as the process, and looking through its half a million objects again and again cost a tenth of
    an update. Only for a process of our own: what a host keeps is its own affair.
    """
    await core.model.warm()
    gc.collect()
    gc.freeze()


async def chat(settings: Settings) -> None:
    """Open the terminal."""
    terminal = importlib.import_module("adapters.terminal.chat")
    clock = importlib.import_module("adapters.terminal.clock").SessionClock()
    settings = settings.model_copy(update={"learn_mode": "direct"})  # whoever says /idle waits for it
    async with open_core(settings, clock=clock, default="on") as core:
        await terminal.talk(core, clock)
