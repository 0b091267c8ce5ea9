# expect: 3:10 Clientt | has no name
from google.cloud import bigquery
bigquery.Clientt
