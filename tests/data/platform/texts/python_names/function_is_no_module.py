# expect: 2:8 dagster.asset | no module
import dagster.asset
