"""Pure decisions about handoffs. Standard library, `contract` and `errors` only.

`commands` says what people may do, `steps` what the clock does, `policy` whom to tell and when.
"""
