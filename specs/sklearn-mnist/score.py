"""Tell hand-written digits from their 28 by 28 pixels."""

import json
import os
from pathlib import Path

import joblib
import numpy as np


def init():
    global model
    # AZUREML_MODEL_DIR is the folder that the model was deployed to.
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_mnist_model.pkl")


def run(raw_data):
    data = np.array(json.loads(raw_data)["data"])
    result = model.predict(data)
    # Anything may be returned that JSON can hold.
    return result.tolist()
