# expect: 2:28 materialise | has no name
from dagster import asset, materialise
