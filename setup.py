"""The packages of the wheel: `idf`, and the folder `recipes/` as `idf/recipes`. All else stands in pyproject.toml."""

from setuptools import find_namespace_packages, setup

recipes = ["idf.recipes", *(f"idf.recipes.{name}" for name in find_namespace_packages("recipes"))]
setup(
    packages=[*find_namespace_packages(include=["idf", "idf.*"]), *recipes],
    package_dir={"idf.recipes": "recipes"},
)
