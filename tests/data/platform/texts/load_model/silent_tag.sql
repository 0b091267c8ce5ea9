-- expect: 5:9 entity_category=order | empty one
MODEL (
  name shop.x,
  kind FULL,
  tags (entity_category=order)
);
SELECT 1 AS a
