"""What a browser does not understand in a stylesheet, it passes over in silence: it is asked."""

from playwright.async_api import Browser

from tests.support.styles_agree import PLACES, rules

FRAMES = {"from", "to"}
"""Of an animation; no selectors."""
ELSEWHERE = {"line-clamp", ".me summary::-webkit-details-marker"}
"""What only other browsers understand."""
UNKNOWN = """([selectors, declared]) => [
  ...selectors.filter((one) => !CSS.supports(`selector(${one})`)),
  ...declared.filter(([name, value]) => !CSS.supports(name, value)),
]"""


async def test_the_browser_understands_every_rule(chromium: Browser) -> None:
    page = await chromium.new_page()
    for sheet in (path for place in PLACES for path in sorted(place.rglob("*.css"))):
        found = rules(sheet)
        selectors = [
            one for rule in found for one in rule.selectors if one not in FRAMES | ELSEWHERE
        ]
        declared = [one for rule in found for one in rule.declared if one[0] not in ELSEWHERE]
        assert declared, sheet
        assert await page.evaluate(UNKNOWN, [selectors, declared]) == [], sheet
    await page.close()
