# expect: 4:10 Dattime | has no name
from dlt.common import json, pendulum
json.dumps({"a": pendulum.DateTime(2021, 1, 1)})
pendulum.Dattime
