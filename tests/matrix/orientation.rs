//! Display matrices and sample aspects: four coloured quadrants where they belong.
