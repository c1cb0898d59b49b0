"""The words by which a handoff is found, kept by PostgreSQL itself as they are written

Triggers keep them: texts change in four statements of three tables, and none of these may cost its
caller a round trip more, or be forgotten by whoever adds a fifth.

They stand in a table of their own. A handoff's row changes at each of its steps, and with an index
over its texts each of these would write all of its words anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "handoff_tenant"
SETTING = "NULLIF(current_setting('handoff.account_id', true), '')::uuid"

# What stands between words. The rules that read what is looked for know the same (a test says so).
BETWEEN = "\t\n\v\f\r !\"$'()*,;<=>?[\\]^`{|}¡¦§«¶·»¿‐‑‒–—―‘’‚“”„•…‹›、。「」"
# What stands between the parts of a code, as in gw-200, 10.0.0.1, eth0/1, err_code.
WITHIN = "#%&+-./:@_~"

# Made of nothing but what stands here.
# ruff: noqa: S608
WORDS = f"""
CREATE FUNCTION handoff_words(own text, told text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE AS $words$
DECLARE
    read_until integer := 300000;
    plain text;
    codes text[];
BEGIN
    LOOP
        -- What is longer than a vector may be is found by its beginning.
        BEGIN
            plain := translate(normalize(left(told, read_until), NFKC), $b${BETWEEN}$b$,
                               repeat(' ', {len(BETWEEN)}));
            -- Codes whole, too: of parts that come often, only the first places are kept.
            SELECT array_agg(DISTINCT code) INTO codes FROM (
                SELECT lower(btrim(part, '{WITHIN}')) AS code
                FROM string_to_table(plain || ' ' || translate(plain, '/:@', '   '), ' ') AS part
                WHERE length(part) BETWEEN 2 AND 120 AND part ~ '[-0-9{WITHIN.replace("-", "")}]'
            ) AS found WHERE length(code) > 1;
            RETURN array_to_tsvector(ARRAY[own])
                || to_tsvector('simple', translate(plain, '{WITHIN}', repeat(' ', {len(WITHIN)})))
                || coalesce(array_to_tsvector(codes), ''::tsvector);
        EXCEPTION WHEN program_limit_exceeded THEN
            read_until := read_until / 2;
        END;
    END LOOP;
END $words$
"""

# `@` and the account's id is a word of each: the index then leads to no other account's rows.
TEXTS = """
    SELECT handoffs.id, handoffs.account_id,
           handoff_words(own.word, concat_ws(E'\\n', sessions.title, handoffs.resolution_note)),
           handoff_words(own.word, concat_ws(E'\\n', sessions.title, handoffs.resolution_note,
                                             handoffs.engineer_notes, conversation.said))
    FROM handoffs
    JOIN sessions ON sessions.id = handoffs.session_id
    CROSS JOIN LATERAL (
        SELECT '@' || handoffs.account_id::text AS word
    ) AS own
    CROSS JOIN LATERAL (
        SELECT string_agg(data #>> '{details,text}', E'\\n' ORDER BY number) AS said
        FROM events WHERE events.handoff_id = handoffs.id AND events.type = 'noted'
    ) AS conversation
"""
INTO = "INSERT INTO handoff_texts (handoff_id, account_id, shown, whole)"
# What is written while this runs is read once more, when nobody writes any more until it is done.
LATELY = "WHERE handoffs.changed_at > now() - interval '10 minutes'"
ANEW = "ON CONFLICT (handoff_id) DO UPDATE SET shown = EXCLUDED.shown, whole = EXCLUDED.whole"

# No row is made for a handoff whose time is up at this very moment: what is gone stays so.
AGAIN = (
    "UPDATE handoff_texts SET shown = told.shown, whole = told.whole "
    "FROM ({texts} WHERE {which}) AS told (handoff_id, account_id, shown, whole) "
    "WHERE handoff_texts.handoff_id = told.handoff_id"
)
NEW = "AFTER INSERT ON handoffs FOR EACH ROW"
KEEPERS = {
    "handoffs": (
        "handoffs.id = NEW.id",
        (
            "AFTER UPDATE OF engineer_notes, resolution_note ON handoffs FOR EACH ROW WHEN ("
            "(OLD.engineer_notes, OLD.resolution_note) IS DISTINCT FROM "
            "(NEW.engineer_notes, NEW.resolution_note))",
        ),
    ),
    "sessions": (
        "handoffs.session_id = NEW.id",
        (
            "AFTER UPDATE OF title ON sessions FOR EACH ROW WHEN "
            "(OLD.title IS DISTINCT FROM NEW.title)",
        ),
    ),
    "events": (
        "handoffs.id = NEW.handoff_id",
        ("AFTER INSERT ON events FOR EACH ROW WHEN (NEW.type = 'noted')",),
    ),
}

# Row-level security lets no index answer for `@@`: an operator that might tell what it has seen is
# asked of the account's own rows alone, after all of them were read. So this is asked with the
# owner's rights, and asks for the account itself. It gives ids, and the gate's query reads them.
WITH_WORDS = f"""
CREATE FUNCTION handoffs_with_words(sought tsquery) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET enable_seqscan = off AS $find$
    SELECT coalesce(array_agg(handoff_id), '{{}}') FROM handoff_texts
    WHERE account_id = {SETTING}
      AND (whole @@ (quote_literal('@' || {SETTING}::text)::tsquery && sought)
        OR shown @@ (quote_literal('@' || {SETTING}::text)::tsquery && sought))
$find$
"""
# Whoever may make temporary tables must not put one of theirs in the place of ours.
PINNED = """
DO $$ BEGIN EXECUTE format('ALTER FUNCTION {} SET search_path = %I, pg_temp', current_schema); END $$
"""


def upgrade() -> None:
    op.create_table(
        "handoff_texts",
        sa.Column("handoff_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("shown", postgresql.TSVECTOR(), nullable=False),
        sa.Column("whole", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("handoff_id", name=op.f("pk_handoff_texts")),
        sa.ForeignKeyConstraint(
            ["account_id", "handoff_id"],
            ["handoffs.account_id", "handoffs.id"],
            name=op.f("fk_handoff_texts_account_id_handoff_id"),
            ondelete="CASCADE",
        ),
    )
    op.execute(WORDS)
    op.execute(PINNED.format("handoff_words(text, text)"))
    op.execute(f"{INTO} {TEXTS}")
    for name in ("shown", "whole"):
        op.create_index(
            op.f(f"ix_handoff_texts_{name}"),
            "handoff_texts",
            [name],
            postgresql_using="gin",
            # Whoever fills what waits to be sorted in, sorts it in: no more than a moment's work.
            postgresql_with={"gin_pending_list_limit": 512},
        )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON handoff_texts TO {TENANT}")
    op.execute("ALTER TABLE handoff_texts ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_account ON handoff_texts TO {TENANT} USING (account_id = {SETTING})"
    )
    _trigger("new_handoffs", f"{INTO} {TEXTS} WHERE handoffs.id = NEW.id", [NEW])
    for table, (which, moments) in KEEPERS.items():
        _trigger(table, AGAIN.format(texts=TEXTS, which=which), moments)
    op.execute(f"{INTO} {TEXTS} {LATELY} {ANEW}")
    op.create_index(
        "ix_handoffs_closed",
        "handoffs",
        ["account_id", "resolved_at", "id"],
        postgresql_where=sa.text("status IN ('resolved', 'cancelled', 'expired')"),
    )
    op.execute(WITH_WORDS)
    op.execute(PINNED.format("handoffs_with_words(tsquery)"))
    op.execute("REVOKE ALL ON FUNCTION handoffs_with_words(tsquery) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION handoffs_with_words(tsquery) TO {TENANT}")


def _trigger(name: str, does: str, moments: Sequence[str]) -> None:
    op.execute(
        f"CREATE FUNCTION keep_texts_of_{name}() RETURNS trigger LANGUAGE plpgsql AS $keep$ "
        f"BEGIN {does}; RETURN NULL; END $keep$"
    )
    op.execute(PINNED.format(f"keep_texts_of_{name}()"))
    for moment in moments:
        op.execute(
            f"CREATE TRIGGER keep_texts_of_{name} {moment} EXECUTE FUNCTION keep_texts_of_{name}()"
        )


def downgrade() -> None:
    op.execute("DROP FUNCTION handoffs_with_words(tsquery)")
    for name in ("new_handoffs", *KEEPERS):
        # Its trigger goes with it.
        op.execute(f"DROP FUNCTION keep_texts_of_{name}() CASCADE")
    op.drop_index("ix_handoffs_closed", table_name="handoffs")
    op.drop_table("handoff_texts")
    op.execute("DROP FUNCTION handoff_words(text, text)")
