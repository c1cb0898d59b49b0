"""Where words are written without spaces between them, they are found inside of what is written

Each two letters that follow each other are a word of the index, and so is the last one of a run:
`東京都` is kept as `東京`, `京都`, `都`. They have no places, so that no text has too many.
"""

from collections.abc import Sequence
from importlib import import_module

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What this function was, and the texts that it is given.
before = import_module("handoff.database.migrations.versions.0018_words_to_find_a_handoff_by")

# Letters of scripts that put no space between words, or join to them what others write apart: Thai,
# Lao, Myanmar, Khmer, Chinese, Japanese, Korean. The rules that read what is looked for know the
# same (a test says so).
RUN = (
    r"\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007"
    r"\u3041-\u309f\u30a1-\u30fa\u30fc-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)

# Made of nothing but what stands here.
# ruff: noqa: S608
WORDS = f"""
CREATE OR REPLACE FUNCTION handoff_words(own text, told text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE AS $words$
DECLARE
    read_until integer := 300000;
    plain text;
    codes text[];
    pairs text[];
BEGIN
    LOOP
        -- What is longer than a vector may be is found by its beginning.
        BEGIN
            plain := translate(normalize(left(told, read_until), NFKC), $b${before.BETWEEN}$b$,
                               repeat(' ', {len(before.BETWEEN)}));
            IF plain ~ '[{RUN}]' THEN
                SELECT array_agg(DISTINCT rtrim(letter || following) COLLATE "C") INTO pairs FROM (
                    SELECT letter, lead(letter, 1, ' ') OVER (ORDER BY place) AS following
                    FROM unnest(string_to_array(
                             regexp_replace(left(plain, 100000), '[^{RUN}]+', ' ', 'g'), NULL))
                         WITH ORDINALITY AS found(letter, place)
                ) AS pair WHERE letter <> ' ';
                plain := regexp_replace(plain, '[{RUN}]+', ' ', 'g');
            END IF;
            -- Codes whole, too: of parts that come often, only the first places are kept.
            SELECT array_agg(DISTINCT code) INTO codes FROM (
                SELECT lower(btrim(part, '{before.WITHIN}')) AS code
                FROM string_to_table(plain || ' ' || translate(plain, '/:@', '   '), ' ') AS part
                WHERE length(part) BETWEEN 2 AND 120
                  AND part ~ '[-0-9{before.WITHIN.replace("-", "")}]'
            ) AS found WHERE length(code) > 1;
            RETURN array_to_tsvector(ARRAY[own])
                || to_tsvector('simple', translate(plain, '{before.WITHIN}',
                                                   repeat(' ', {len(before.WITHIN)})))
                || coalesce(array_to_tsvector(codes), ''::tsvector)
                || coalesce(array_to_tsvector(pairs), ''::tsvector);
        EXCEPTION WHEN program_limit_exceeded THEN
            read_until := read_until / 2;
        END;
    END LOOP;
END $words$
"""

# What is kept already is read anew where it has such letters, a few at a time, while others write:
# they have the new function by then. Each text is locked before it is read, so that what somebody
# writes meanwhile is read, or written after it.
HAS_RUNS = f"""
    normalize(concat_ws(' ', sessions.title, handoffs.resolution_note, handoffs.engineer_notes,
                        conversation.said), NFKC) ~ '[{RUN}]'
"""
READ_ANEW = f"""
DO $anew$
DECLARE
    few uuid[];
BEGIN
    LOOP
        SELECT array_agg(handoff_id) INTO few FROM (
            SELECT handoff_id FROM handoff_texts
            WHERE few IS NULL OR handoff_id > few[array_upper(few, 1)]
            ORDER BY handoff_id LIMIT 200 FOR UPDATE
        ) AS next;
        EXIT WHEN few IS NULL;
        {before.AGAIN.format(texts=before.TEXTS, which=f"handoffs.id = ANY(few) AND {HAS_RUNS}")};
        COMMIT;
    END LOOP;
END $anew$
"""


def upgrade() -> None:
    _words(WORDS)
    _read_anew()


def downgrade() -> None:
    _words(before.WORDS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    _read_anew()


def _read_anew() -> None:
    """After a commit of what was done until here. Done again from the start where it ends early."""
    with op.get_context().autocommit_block():
        op.execute(READ_ANEW)


def _words(made: str) -> None:
    op.execute(made)
    op.execute(before.PINNED.format("handoff_words(text, text)"))
