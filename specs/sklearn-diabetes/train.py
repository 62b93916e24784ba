"""Train Ridge on scikit-learn's diabetes data and write `model/sklearn_regression_model.pkl`."""

from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

X, y = load_diabetes(return_X_y=True)
model = Ridge(alpha=1e-5).fit(X, y)

path = Path(__file__).parent / "model" / "sklearn_regression_model.pkl"
path.parent.mkdir(exist_ok=True)
joblib.dump(model, path)
print(f"wrote {path}")  # noqa: T201  # a program says what it did
