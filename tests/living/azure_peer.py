"""Asks questions of a Log Analytics API with Azure's own client library, from a server at another address.

    azure_peer.py URL TOKEN QUESTION...

Prints one line of JSON for each: the status of the answer, its columns and the number of its rows.
"""

import json
import sys
from datetime import datetime, timezone

from azure.core.credentials import AccessToken
from azure.monitor.query import LogsQueryClient, LogsQueryStatus


class Credential:
    def get_token(self, *scopes, **options):
        return AccessToken(sys.argv[2], 4_000_000_000)


client = LogsQueryClient(Credential(), endpoint=f"{sys.argv[1]}/v1", retry_total=0)
window = (datetime(2026, 11, 22, 6, tzinfo=timezone.utc), datetime(2026, 11, 22, 9, tzinfo=timezone.utc))
for question in sys.argv[3:]:
    answer = client.query_workspace("w", question, timespan=window, enforce_https=False)
    partial = answer.status == LogsQueryStatus.PARTIAL
    table = (answer.partial_data if partial else answer.tables)[0]
    print(json.dumps({"status": str(answer.status), "columns": list(table.columns), "rows": len(table.rows)}))
