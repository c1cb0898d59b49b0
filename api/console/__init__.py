"""The web console: the page where seniors live. HTML on the server, our own small modules beside.

Pages show what the record says and change nothing: every command goes to the JSON API.
"""
