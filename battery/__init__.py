"""Kill, cut and flood a real installation, then prove from its rows that nothing was lost."""
