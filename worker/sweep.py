"""Takes away what a bucket keeps and no file names: what was removed or forgotten by its age, as
the record tells it, and uploads of a process that died before they were recorded. What is not ours
is left alone."""

from datetime import UTC, datetime, timedelta

import structlog

from handoff.bucket import PAGE, Bucket, BucketPlace
from handoff.database.gate import Database
from handoff.database.operations import upkeep
from handoff.errors import FilesUnreachable
from handoff.settings import Settings

logger = structlog.get_logger(__name__)

TRIED_AGAIN_AFTER = timedelta(hours=1)
"""What is left in a bucket that does not answer."""

LEFT_FOR = timedelta(hours=24)
"""An object this young may be about to be named. Whoever puts one has seconds, not hours."""


class Sweep:
    """One for the life of a process: each look takes the next page, so that a large bucket costs
    no more than a small one, and is gone through a thousand objects at a time."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._place = BucketPlace(settings.files_url) if settings.files_url else None
        self._after: str | None = None

    async def look(self, *, older_than: timedelta = LEFT_FOR) -> int:
        """Deletes what the record says is left, in whichever bucket, and then what the record
        never knew; how many the latter were. A bucket that does not answer is asked again."""
        await self._delete_left()
        if self._place is None:
            return 0
        try:
            return await self._take_away(self._place, older_than)
        except FilesUnreachable as fault:
            logger.warning("files.not_swept", cause=fault.cause)
            return 0

    async def _delete_left(self) -> None:
        buckets: dict[str, list[str]] = {}
        for url in await upkeep.left_objects(self._database, limit=PAGE):
            buckets.setdefault(BucketPlace(url).bucket_name, []).append(url)
        for name, urls in buckets.items():
            try:
                await Bucket(name).delete(*(BucketPlace(url).prefix for url in urls))
            except FilesUnreachable as fault:
                logger.warning("files.not_deleted", bucket=name, cause=fault.cause)
                await upkeep.delete_later(self._database, urls, after=TRIED_AGAIN_AFTER)
            else:
                await upkeep.objects_deleted(self._database, urls)

    async def _take_away(self, place: BucketPlace, older_than: timedelta) -> int:
        bucket = Bucket(place.bucket_name)
        page = await bucket.page(place.prefix, after=self._after)
        old = datetime.now(UTC) - older_than
        accounts = {
            place.url(one.key): account_id
            for one in page
            if one.changed_at < old and (account_id := place.account_of(one.key))
        }
        left = await upkeep.unnamed_objects(self._database, accounts)
        await bucket.delete(*(BucketPlace(url).prefix for url in left))
        self._after = page[-1].key if len(page) == PAGE else None
        return len(left)
