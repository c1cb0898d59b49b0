"""The web console: the page where seniors live. HTML on the server, our own small modules beside.

Each page is a folder: its route, its template, its module and its styles side by side. Pages show
what the record says and change nothing: every command goes to the JSON API.
"""
