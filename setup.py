"""The packages of the wheel: `idf`, with the folders `recipes/` and `launch/` inside. All else stands in pyproject.toml."""

from setuptools import find_namespace_packages, setup

recipes = ["idf.recipes", *(f"idf.recipes.{name}" for name in find_namespace_packages("recipes"))]
setup(
    packages=[*find_namespace_packages(include=["idf", "idf.*"]), *recipes, "idf.launch"],
    package_dir={"idf.recipes": "recipes", "idf.launch": "launch"},
)
