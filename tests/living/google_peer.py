"""Reads entries with Google's own client library, from a server at another address.

    google_peer.py URL FROM UNTIL

Prints one line of JSON: how many entries came, how many of them are distinct, whether they were in order of time.
"""

import json
import sys

from google.cloud import logging
from google.oauth2.credentials import Credentials

url, since, until = sys.argv[1:]
client = logging.Client(
    project="p",
    credentials=Credentials(token="a-token"),
    client_options={"api_endpoint": url},
    _use_grpc=False,
)
entries = list(
    client.list_entries(
        resource_names=["projects/p"],
        filter_=f'timestamp>="{since}" AND timestamp<"{until}"',
        order_by=logging.ASCENDING,
        page_size=700,
    )
)
times = [entry.timestamp for entry in entries]
distinct = {(entry.log_name, entry.timestamp, entry.insert_id) for entry in entries}
print(json.dumps({"entries": len(entries), "distinct": len(distinct), "ordered": times == sorted(times)}))
