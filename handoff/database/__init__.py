"""PostgreSQL: the gate to an account's rows, the tables, and the queries, by purpose."""
