"""`/persona-admin pause` and `resume`: stop remembering anybody here for a while; answers go on without it."""

from functools import partial

from bot.commands.admin.consent import sentence
from bot.commands.admin.deciding import decide
from bot.commands.command import Asked, Command, Context, holding
from bot.store import rules
from bot.views import View


async def run_pause(context: Context, asked: Asked) -> View:
    """Neither learn nor use anything about anybody, until an admin resumes."""
    await _set(context, asked, is_paused=True)
    return View(
        text="Paused for everybody here. I answer as before, but learn nothing and use nothing of what I remember,"
        " until `/persona-admin resume`. Members can still see, export and forget what is kept of them."
    )


async def run_resume(context: Context, asked: Asked) -> View:
    """Go on with what is said from now on."""
    await _set(context, asked, is_paused=False)
    held = await context.store.read(partial(holding, context=context, asked=asked))
    return View(
        text=f"Nothing is paused here now; what was said meanwhile is not learned. {sentence(held, context.default)}"
    )


async def _set(context: Context, asked: Asked, *, is_paused: bool) -> None:
    decision = partial(rules.set_paused, tenant=asked.tenant, is_paused=is_paused, now=context.clock.now())
    await decide(context, asked, "pause:all" if is_paused else "resume:all", decision)


PAUSE = Command(
    name="pause", usage="pause", summary="stop remembering anybody here; answers go on without it", run=run_pause
)
RESUME = Command(name="resume", usage="resume", summary="go on after a pause", run=run_resume)
