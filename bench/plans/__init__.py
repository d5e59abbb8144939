"""Do traces that search teach plans better than traces of shortest plans, at equal label tokens? (docs/plans.md)"""
