AUDIT (
  name project_is_known
);

SELECT
  facts.*
FROM @this_model AS facts
LEFT JOIN oso.int_projects AS projects
  ON facts.project_id = projects.project_id
WHERE
  projects.project_id IS NULL
