"""Recipes: how a problem is trained, as frozen values without torch."""

from trainwell.recipe.optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    ScheduleFree,
)
from trainwell.recipe.part import Part
from trainwell.recipe.recipe import Change, Recipe
from trainwell.recipe.settings import parse_settings

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Change",
    "Lion",
    "Muon",
    "NAdam",
    "Part",
    "RAdam",
    "RMSprop",
    "Recipe",
    "ScheduleFree",
    "parse_settings",
]
