"""What a platform is, as data: models, jobs, config schemas; how it is kept, fingerprinted and asked."""
